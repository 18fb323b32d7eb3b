#!/bin/sh
# Plays one turn with the model's layers on two RPC servers of llama.cpp, both on this machine.
#
#   docs/rpc.sh FOLDER MODEL
#
# FOLDER holds llama.cpp's `ggml-rpc-server` (`rpc-server` in older versions), of the same version as the library that
# rpchat uses; both are built with -DGGML_RPC=ON. MODEL is a GGUF file. Nothing outside this machine can reach the
# servers; llama.cpp's RPC has no password and no encryption, so other machines belong behind a private network.
set -eu

folder=${1:?the folder with ggml-rpc-server}
model=${2:?a GGUF file}
server=$folder/ggml-rpc-server
[ -x "$server" ] || server=$folder/rpc-server
home=$(mktemp -d)

"$server" --host 127.0.0.1 --port 50152 >"$home/first.log" 2>&1 &
first=$!
"$server" --host 127.0.0.1 --port 50153 >"$home/second.log" 2>&1 &
second=$!
trap 'kill "$first" "$second"; rm -r "$home"' EXIT

for port in 50152 50153; do
    until python3 -c "import socket; socket.create_connection(('127.0.0.1', $port), 1).close()" 2>/dev/null; do
        kill -0 "$first" && kill -0 "$second"
        sleep 0.1
    done
done

cat >"$home/config.yaml" <<CONFIG
engine:
  n_ctx: 2048
  rpc_servers: ["127.0.0.1:50152", "127.0.0.1:50153"]
CONFIG
rpchat doctor --home "$home" --model "$model"
rpchat say "Good evening. Is the ferry still running?" --card mira --home "$home" --model "$model" --max-tokens 60 --seed 1
