"""What the measured distances say, and how sure that is: intervals, variance shares, importance, mixtures."""
