"""A LightGBM model of any size, from random numbers: what is large, not what is learnt, is wanted of it.

    python3 Benchmarks/serving/forest.py TREES > model.txt      # 4.4 KB a tree; 12,000 trees are 53 MB
"""

import random
import sys

LEAVES = 64
FEATURES = 32


def text(trees: int, seed: int = 1) -> str:
    """`trees` full trees of 64 leaves over 32 features, with thresholds anywhere in [-2, 4) and margins near 0."""
    generator = random.Random(seed)
    nodes = LEAVES - 1
    # In the order of a heap: node i's children are 2i + 1 and 2i + 2, and what lies past the last node is a leaf.
    children = [[child if child < nodes else ~(child - nodes) for child in range(first, 2 * nodes + first, 2)] for first in (1, 2)]
    fixed = [f"left_child={' '.join(map(str, children[0]))}", f"right_child={' '.join(map(str, children[1]))}"]
    ones = {name: " ".join(["1"] * count) for name, count in
            (("leaf_weight", LEAVES), ("leaf_count", LEAVES), ("internal_weight", nodes), ("internal_count", nodes),
             ("split_gain", nodes))}
    blocks = []
    for index in range(trees):
        blocks.append("\n".join([
            f"Tree={index}", f"num_leaves={LEAVES}", "num_cat=0",
            "split_feature=" + " ".join(str(generator.randrange(FEATURES)) for _ in range(nodes)),
            f"split_gain={ones['split_gain']}",
            "threshold=" + " ".join(f"{generator.uniform(-2, 4):.17g}" for _ in range(nodes)),
            "decision_type=" + " ".join(["2"] * nodes), *fixed,
            "leaf_value=" + " ".join(f"{generator.gauss(0, 1e-3):.17g}" for _ in range(LEAVES)),
            f"leaf_weight={ones['leaf_weight']}", f"leaf_count={ones['leaf_count']}",
            "internal_value=" + " ".join(["0"] * nodes), f"internal_weight={ones['internal_weight']}",
            f"internal_count={ones['internal_count']}", "is_linear=0", "shrinkage=1", "\n"]))
    names = [f"f{index}" for index in range(FEATURES)]
    head = [
        "tree", "version=v4", "num_class=1", "num_tree_per_iteration=1", "label_index=0", f"max_feature_idx={FEATURES - 1}",
        "objective=binary sigmoid:1", f"feature_names={' '.join(names)}", "feature_infos=" + " ".join(["[-2:4]"] * FEATURES),
        "tree_sizes=" + " ".join(str(len(block) + 1) for block in blocks), "\n"]
    return "\n".join(head) + "\n".join(blocks) + "\nend of trees\n\nfeature_importances:\n\nparameters:\nend of parameters\n\npandas_categorical:null\n"


if __name__ == "__main__":
    sys.stdout.write(text(int(sys.argv[1])))
