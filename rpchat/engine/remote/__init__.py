"""An engine on another machine: llama-server, or any server that speaks OpenAI's completions.

`engine.RemoteEngine` is the door. Behind it one of two dialects is spoken, whichever the server answers to; `http` is
the only module that knows the network.
"""
