"""Eye diseases in fundus photographs: a medtransfer plug-in."""
