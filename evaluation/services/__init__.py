"""Write replays. No other code writes them."""
