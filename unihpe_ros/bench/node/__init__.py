"""The benchmark of the node in processes of its own, beside a naive one."""
