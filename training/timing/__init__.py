"""What `speed` is made of: sizes and costs, parts that run in processes of their own, the product, the twin as a baseline.

`sizes`, `variants`, `parts`, `ours` and `report` do without PyTorch, so that the product is measured in a process that has no other
CUDA context than its own.
"""
