"""Devices of other machines: llama.cpp's RPC servers, made known to the library before it looks for devices."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import llama_cpp

from rpchat.engine.worker.ggml import ggml
from rpchat.errors import ModelError

_BUILD = "Build it with CMAKE_ARGS=-DGGML_RPC=ON; docs/performance.md has the line."


def add_servers(servers: Sequence[str]) -> None:
    """Make the servers' devices known. Raises ModelError where the build cannot, or a server has none.

    The library ends the process where a server does not answer; its last line says which.
    """
    if not servers:
        return
    if not llama_cpp.llama_supports_rpc():
        raise ModelError("this build of llama.cpp cannot use RPC servers", _BUILD)
    named = ggml.ggml_backend_reg_by_name
    named.argtypes, named.restype = [ctypes.c_char_p], ctypes.c_void_p
    find = ggml.ggml_backend_reg_get_proc_address
    find.argtypes, find.restype = [ctypes.c_void_p, ctypes.c_char_p], ctypes.c_void_p
    register = ggml.ggml_backend_register
    register.argtypes, register.restype = [ctypes.c_void_p], None
    address = find(named(b"RPC"), b"ggml_backend_rpc_add_server")
    if not address:
        raise ModelError("this build of llama.cpp cannot use RPC servers", _BUILD)
    add = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_char_p)(address)
    for server in servers:
        registry = add(server.encode())
        if not registry:
            raise ModelError(f"the RPC server {server} has no devices")
        register(registry)
