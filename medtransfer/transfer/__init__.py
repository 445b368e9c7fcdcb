"""Transfer learning: from pretrained weights and labelled cases to a model that was judged honestly."""
