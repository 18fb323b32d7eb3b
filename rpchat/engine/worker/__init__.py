"""The child process that holds the model: the only room that imports llama_cpp."""
