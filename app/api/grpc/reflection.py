"""Server reflection under both of its names.

The library only offers v1alpha. Newer clients use v1, whose messages have the same encoding.
"""

from collections.abc import Sequence

import grpc
from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import Default
from grpc_reflection.v1alpha import reflection, reflection_pb2

V1 = "grpc.reflection.v1.ServerReflection"
_V1_FILE = "grpc/reflection/v1/reflection.proto"


def enable_reflection(server: grpc.aio.Server, services: Sequence[str]) -> None:
    """Describe `services`: the full names of services whose descriptors are in the default pool."""
    _describe_v1()
    names = (*services, reflection.SERVICE_NAME, V1)
    reflection.enable_server_reflection(names, server)
    info = grpc.stream_stream_rpc_method_handler(
        reflection.aio.ReflectionServicer(names).ServerReflectionInfo,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(V1, {"ServerReflectionInfo": info}),))


def _describe_v1() -> None:
    """Add the descriptor of v1 to the pool, because clients that list services also request their descriptors. It is
    that of v1alpha with another name.
    """
    try:
        Default().FindFileByName(_V1_FILE)
    except KeyError:
        alpha = FileDescriptorProto()
        reflection_pb2.DESCRIPTOR.CopyToProto(alpha)
        Default().Add(text_format.Parse(str(alpha).replace("v1alpha", "v1"), FileDescriptorProto()))
