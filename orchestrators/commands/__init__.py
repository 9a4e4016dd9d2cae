"""The commands of the orchestrators, one file each; `dnn-porting` finds them by name."""
