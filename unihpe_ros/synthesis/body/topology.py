"""Names of the vertex ranges and face groups of MakeHuman's mesh."""

# Ranges of vertices in MakeHuman's base mesh.
BODY = slice(0, 13380)
LEFT_EYE = slice(14598, 14670)
RIGHT_EYE = slice(14670, 14742)
TIGHTS = slice(15328, 18002)
SKIRT = slice(18002, 18722)
HAIR = slice(18722, 19150)

GROUPS = {
    'body': ('body',),
    'eyes': ('helper-l-eye', 'helper-r-eye'),
    'tights': ('helper-tights',),
    'skirt': ('helper-skirt',),
    'hair': ('helper-hair',),
}
