"""The commands of this room, one file each; `dnn-porting` knows them by their names only."""
