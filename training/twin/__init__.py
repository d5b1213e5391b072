"""The twin: every network of the product once more as a short PyTorch module, with the published names of its parameters.

It trains what the product runs, and is a second opinion on what it computes: tests/training holds it against the golden
files of the reference, training losses and gradients included. PyTorch 1.13 and later, CPU and CUDA. Everything inside is
channel-last, [batch, length, width], as it is in the product.
"""
