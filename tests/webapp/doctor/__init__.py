"""The doctor on small worlds of its own: a name server, web servers, and the real endpoints behind them."""
