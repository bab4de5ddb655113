"""Words of one's own: learned on the device from a few recordings, synthetic voices and sound that is not the word.

voices -> sound (rooms, noise, speed) -> embeddings -> network (learns in numpy) -> word (the folder the engine `own` opens)
"""
