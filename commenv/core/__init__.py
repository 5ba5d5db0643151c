"""What every game stands on: the contract, n games side by side, channels, meters and the random generator."""
