// package inference: the Open Inference Protocol's service, and the part of Triton's that is spoken here.
//
// Numbers and names are the protocol's (kserve/open-inference-protocol, Triton's grpc_service.proto and
// model_config.proto). Of Triton's larger messages only the fields stand here that are ever filled:
// clients that know more find the others at their defaults.

extension ProtoFile {
    public static let inference = ProtoFile(
        name: "inference.proto", package: "inference",
        messages: serverMessages + modelMessages + inferMessages + configMessages + statisticsMessages,
        enums: [
            ProtoEnum(
                name: "DataType",
                values: [
                    "TYPE_INVALID", "TYPE_BOOL", "TYPE_UINT8", "TYPE_UINT16", "TYPE_UINT32", "TYPE_UINT64", "TYPE_INT8",
                    "TYPE_INT16", "TYPE_INT32", "TYPE_INT64", "TYPE_FP16", "TYPE_FP32", "TYPE_FP64", "TYPE_STRING",
                    "TYPE_BF16",
                ])
        ],
        services: [
            ProtoService(
                name: "GRPCInferenceService",
                methods: [
                    ProtoMethod("ServerLive"), ProtoMethod("ServerReady"), ProtoMethod("ModelReady"),
                    ProtoMethod("ServerMetadata"), ProtoMethod("ModelMetadata"), ProtoMethod("ModelInfer"),
                    ProtoMethod("ModelConfig"), ProtoMethod("ModelStatistics"),
                ])
        ])

    private static let serverMessages = [
        ProtoMessage("ServerLiveRequest", []),
        ProtoMessage("ServerLiveResponse", ["bool live = 1"]),
        ProtoMessage("ServerReadyRequest", []),
        ProtoMessage("ServerReadyResponse", ["bool ready = 1"]),
        ProtoMessage("ServerMetadataRequest", []),
        ProtoMessage(
            "ServerMetadataResponse", ["string name = 1", "string version = 2", "repeated string extensions = 3"]),
    ]

    private static let modelMessages = [
        ProtoMessage("ModelReadyRequest", ["string name = 1", "string version = 2"]),
        ProtoMessage("ModelReadyResponse", ["bool ready = 1"]),
        ProtoMessage("ModelMetadataRequest", ["string name = 1", "string version = 2"]),
        ProtoMessage(
            "ModelMetadataResponse",
            [
                "string name = 1", "repeated string versions = 2", "string platform = 3",
                "repeated TensorMetadata inputs = 4", "repeated TensorMetadata outputs = 5",
            ],
            messages: [
                ProtoMessage("TensorMetadata", ["string name = 1", "string datatype = 2", "repeated int64 shape = 3"])
            ]),
    ]

    private static let tensorFields = [
        "string name = 1", "string datatype = 2", "repeated int64 shape = 3",
        "map<string, InferParameter> parameters = 4", "InferTensorContents contents = 5",
    ]

    private static let inferMessages = [
        ProtoMessage(
            "InferParameter",
            [
                "oneof parameter_choice: bool bool_param = 1", "oneof parameter_choice: int64 int64_param = 2",
                "oneof parameter_choice: string string_param = 3", "oneof parameter_choice: double double_param = 4",
                "oneof parameter_choice: uint64 uint64_param = 5",
            ]),
        ProtoMessage(
            "InferTensorContents",
            [
                "repeated bool bool_contents = 1", "repeated int32 int_contents = 2",
                "repeated int64 int64_contents = 3", "repeated uint32 uint_contents = 4",
                "repeated uint64 uint64_contents = 5", "repeated float fp32_contents = 6",
                "repeated double fp64_contents = 7", "repeated bytes bytes_contents = 8",
            ]),
        ProtoMessage(
            "ModelInferRequest",
            [
                "string model_name = 1", "string model_version = 2", "string id = 3",
                "map<string, InferParameter> parameters = 4", "repeated InferInputTensor inputs = 5",
                "repeated InferRequestedOutputTensor outputs = 6", "repeated bytes raw_input_contents = 7",
            ],
            messages: [
                ProtoMessage("InferInputTensor", tensorFields),
                ProtoMessage(
                    "InferRequestedOutputTensor",
                    ["string name = 1", "map<string, InferParameter> parameters = 2"]),
            ]),
        ProtoMessage(
            "ModelInferResponse",
            [
                "string model_name = 1", "string model_version = 2", "string id = 3",
                "map<string, InferParameter> parameters = 4", "repeated InferOutputTensor outputs = 5",
                "repeated bytes raw_output_contents = 6",
            ],
            messages: [ProtoMessage("InferOutputTensor", tensorFields)]),
    ]

    private static let configMessages = [
        ProtoMessage("ModelConfigRequest", ["string name = 1", "string version = 2"]),
        ProtoMessage("ModelConfigResponse", ["ModelConfig config = 1"]),
        ProtoMessage("ModelInput", ["string name = 1", "DataType data_type = 2", "repeated int64 dims = 4"]),
        ProtoMessage("ModelOutput", ["string name = 1", "DataType data_type = 2", "repeated int64 dims = 3"]),
        ProtoMessage(
            "ModelConfig",
            [
                "string name = 1", "string platform = 2", "int32 max_batch_size = 4", "repeated ModelInput input = 5",
                "repeated ModelOutput output = 6",
            ]),
    ]

    private static let statisticsMessages = [
        ProtoMessage("ModelStatisticsRequest", ["string name = 1", "string version = 2"]),
        ProtoMessage("StatisticDuration", ["uint64 count = 1", "uint64 ns = 2"]),
        ProtoMessage(
            "InferStatistics",
            [
                "StatisticDuration success = 1", "StatisticDuration fail = 2", "StatisticDuration queue = 3",
                "StatisticDuration compute_infer = 5",
            ]),
        ProtoMessage(
            "ModelStatistics",
            [
                "string name = 1", "string version = 2", "uint64 last_inference = 3", "uint64 inference_count = 4",
                "uint64 execution_count = 5", "InferStatistics inference_stats = 6",
                "repeated MemoryUsage memory_usage = 8",
            ]),
        ProtoMessage("MemoryUsage", ["string type = 1", "int64 id = 2", "uint64 byte_size = 3"]),
        ProtoMessage("ModelStatisticsResponse", ["repeated ModelStatistics model_stats = 1"]),
    ]
}
