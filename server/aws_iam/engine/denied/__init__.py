"""From the words of a denial to the request that was refused, and the smallest change that lets it pass."""
