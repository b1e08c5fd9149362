"""windtunnel: proves, with evidence, whether an online shop keeps its promises while things break."""
