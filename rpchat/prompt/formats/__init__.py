"""One small file per format adapter, and the table that names them."""
