// The messages of onnx.proto, as of IR version 13, field by field.

extension MessageSchema {
    static let model = MessageSchema(
        "ModelProto",
        [
            1: .one(.varint), 2: .one(.bytes), 3: .one(.bytes), 4: .ignored, 5: .ignored, 6: .ignored, 7: .one(.bytes),
            8: .many(.bytes), 14: .ignored, 20: .refused("training information is not supported"),
            25: .refused("functions of a model are not supported"), 26: .ignored,
        ])

    static let opset = MessageSchema(
        "OperatorSetIdProto",
        [1: .one(.bytes), 2: .one(.varint)])

    static let graph = MessageSchema(
        "GraphProto",
        [
            1: .many(.bytes), 2: .ignored, 5: .many(.bytes), 10: .ignored, 11: .many(.bytes), 12: .many(.bytes),
            13: .ignored, 14: .refused("quantized graphs are not supported"),
            15: .refused("sparse initializers are not supported"), 16: .ignored,
        ])

    static let node = MessageSchema(
        "NodeProto",
        [
            1: .many(.bytes), 2: .many(.bytes), 3: .one(.bytes), 4: .one(.bytes), 5: .many(.bytes), 6: .ignored,
            7: .one(.bytes), 8: .refused("overloads of functions are not supported"), 9: .ignored, 10: .ignored,
        ])

    static let valueInfo = MessageSchema(
        "ValueInfoProto",
        [1: .one(.bytes), 2: .one(.bytes), 3: .ignored, 4: .ignored])

    static let type = MessageSchema(
        "TypeProto",
        [1: .one(.bytes), 4: .ignored, 5: .ignored, 6: .ignored, 8: .ignored, 9: .ignored])

    static let tensorType = MessageSchema(
        "TypeProto.Tensor",
        [1: .one(.varint), 2: .one(.bytes)])

    static let shape = MessageSchema(
        "TensorShapeProto",
        [1: .many(.bytes)])

    static let dimension = MessageSchema(
        "Dimension",
        [1: .one(.varint), 2: .ignored, 3: .ignored])

    static let tensor = MessageSchema(
        "TensorProto",
        [
            1: .numbers(.varint), 2: .one(.varint), 3: .refused("a tensor in segments is not supported"),
            4: .numbers(.fixed32), 5: .numbers(.varint), 6: .many(.bytes), 7: .numbers(.varint), 8: .one(.bytes),
            9: .one(.bytes), 10: .numbers(.fixed64), 11: .numbers(.varint), 12: .ignored,
            13: .refused("external data is not supported; save the model in one file"), 14: .one(.varint), 16: .ignored,
        ])

    static let attribute = MessageSchema(
        "AttributeProto",
        [
            1: .one(.bytes), 2: .one(.fixed32), 3: .one(.varint), 4: .one(.bytes), 5: .one(.bytes),
            6: .refused("graphs within a node (If, Loop, Scan) are not supported"), 7: .numbers(.fixed32),
            8: .numbers(.varint), 9: .many(.bytes), 10: .refused("lists of tensors are not supported"),
            11: .refused("lists of graphs are not supported"), 13: .ignored,
            14: .refused("type attributes are not supported"), 15: .refused("type attributes are not supported"),
            20: .one(.varint), 21: .refused("references to a function's attributes are not supported"),
            22: .refused("sparse tensors are not supported"), 23: .refused("sparse tensors are not supported"),
        ])
}
