"""
Clothes, hair, skin and accessories.

A garment is drawn in four steps: `outfit_sampling` chooses it, `garments` says which part of the
body it covers, `tailor` cuts it out of the body's surface, and `garment_thickness` moves it off
the skin. Its pattern, folds and light are drawn by `render/textures.py` and `render/shade.py`.

"""
