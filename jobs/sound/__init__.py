"""Sound: files to samples, samples to dB-mel spectrograms, and these to a memory-mapped store."""
