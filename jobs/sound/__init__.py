"""Sound: files to samples, samples to dB-mel, dB-mel to a memory-mapped store, and the demo's own music."""
