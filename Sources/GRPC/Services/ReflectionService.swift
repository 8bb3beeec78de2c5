// grpc.reflection.v1 and v1alpha: which services there are, and their descriptors
// (grpc/doc/server-reflection.md). The two differ in their package only.

extension ProtoFile {
    public static let reflection = reflection("v1")
    public static let reflectionAlpha = reflection("v1alpha")

    private static func reflection(_ version: String) -> ProtoFile {
        ProtoFile(
            name: "grpc/reflection/\(version)/reflection.proto", package: "grpc.reflection.\(version)",
            messages: reflectionMessages,
            services: [
                ProtoService(
                    name: "ServerReflection",
                    methods: [
                        ProtoMethod(
                            "ServerReflectionInfo", input: "ServerReflectionRequest",
                            output: "ServerReflectionResponse", streamsIn: true, streamsOut: true)
                    ])
            ])
    }

    private static let reflectionMessages = [
        ProtoMessage(
            "ServerReflectionRequest",
            [
                "string host = 1", "oneof message_request: string file_by_filename = 3",
                "oneof message_request: string file_containing_symbol = 4",
                "oneof message_request: ExtensionRequest file_containing_extension = 5",
                "oneof message_request: string all_extension_numbers_of_type = 6",
                "oneof message_request: string list_services = 7",
            ]),
        ProtoMessage("ExtensionRequest", ["string containing_type = 1", "int32 extension_number = 2"]),
        ProtoMessage(
            "ServerReflectionResponse",
            [
                "string valid_host = 1", "ServerReflectionRequest original_request = 2",
                "oneof message_response: FileDescriptorResponse file_descriptor_response = 4",
                "oneof message_response: ExtensionNumberResponse all_extension_numbers_response = 5",
                "oneof message_response: ListServiceResponse list_services_response = 6",
                "oneof message_response: ErrorResponse error_response = 7",
            ]),
        ProtoMessage("FileDescriptorResponse", ["repeated bytes file_descriptor_proto = 1"]),
        ProtoMessage(
            "ExtensionNumberResponse", ["string base_type_name = 1", "repeated int32 extension_number = 2"]),
        ProtoMessage("ListServiceResponse", ["repeated ServiceResponse service = 1"]),
        ProtoMessage("ServiceResponse", ["string name = 1"]),
        ProtoMessage("ErrorResponse", ["int32 error_code = 1", "string error_message = 2"]),
    ]
}
