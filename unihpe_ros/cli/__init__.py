"""
The ``unihpe`` command: one module per subcommand.

Each module offers ``add_parser(subparsers)``, which adds the subcommand's parser, and
``run(args) -> int``, which returns the exit status. Everything heavy is imported inside ``run``,
so that ``unihpe --help`` is instant and parts that are not installed are missed only when used.

"""
