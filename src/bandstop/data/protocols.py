"""Who trains and who tests: official splits as values, and the inner split used for choosing."""

from __future__ import annotations

from collections.abc import Sequence as Seq

from bandstop.data.sequence import Fold, Sequence

SBU_FOLDS: dict[str, tuple[str, ...]] = {
    "1": ("s01s02", "s03s04", "s05s02", "s06s04"),
    "2": ("s02s03", "s02s07", "s03s05", "s05s03"),
    "3": ("s01s03", "s01s07", "s07s01", "s07s03"),
    "4": ("s02s01", "s02s06", "s03s02", "s03s06"),
    "5": ("s04s02", "s04s03", "s04s06", "s06s02", "s06s03"),
}
"""SBU's five folds by participant pair (Yun et al. 2012): a fold's name -> the pairs it tests on."""


def folds_by_group(
    sequences: Seq[Sequence], groups_of_fold: dict[str, tuple[str, ...]]
) -> tuple[Fold, ...]:
    """One fold for each entry: test on its groups, train on the groups of all the other entries.

    Folds whose groups are all absent are left out; a sequence of no named group is in no fold.
    """
    known = {g for groups in groups_of_fold.values() for g in groups}
    folds = []
    for name, groups in groups_of_fold.items():
        test = tuple(i for i, s in enumerate(sequences) if s.group in groups)
        train = tuple(i for i, s in enumerate(sequences) if s.group in known - set(groups))
        if test and train:
            folds.append(Fold(name, train, test))
    return tuple(folds)


def hold_out(fold: Fold, sequences: Seq[Sequence], share: float, seed: int) -> Fold:
    """Split a fold's training part again, by whole groups: `train` learns, `test` validates.

    Groups are taken in a seeded random order until at least `share` of the training sequences are
    held out. Nothing of the fold's own test part appears on either side, so every choice can be made
    here. Without groups (or with a single one) single sequences are held out instead.
    """
    import numpy as np

    rng = np.random.default_rng([seed, 0x5EED])
    groups = sorted({sequences[i].group for i in fold.train})
    if len(groups) < 2:
        shuffled = rng.permutation(np.array(fold.train))
        cut = max(1, round(share * len(shuffled)))
        held = {int(i) for i in shuffled[:cut]}
    else:
        held = set()
        for k in rng.permutation(len(groups))[:-1]:
            if len(held) >= share * len(fold.train):
                break
            held |= {i for i in fold.train if sequences[i].group == groups[k]}
    return Fold(
        f"{fold.name}:inner",
        tuple(i for i in fold.train if i not in held),
        tuple(i for i in fold.train if i in held),
    )
