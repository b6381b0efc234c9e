"""Body shapes, posed, skinned and kept from leaning or sinking in."""
