"""A reader written from docs/bundle.md alone, with numpy, gives the probabilities that bandstop gives."""

from __future__ import annotations

import json

import numpy as np
import pytest
from making import FUSIONS, bundle, recordings
from safetensors.numpy import load

SHAPES = {
    "attention": ("heads", "outputs", "nodes"),
    "filters": ("heads", "features", "filters"),
    "dense": ("channels", "outputs", "classes"),
}


def opened(content: bytes):
    length = int.from_bytes(content[:8], "little")
    header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["bandstop"])
    return header, load(content)


def weight(name, header, tensors) -> np.ndarray:
    sizes = dict(header["shape"])
    sizes["channels"] = sizes["filters"] * (sizes["heads"] if sizes["fusion"] == "concat" else 1)
    shape = [sizes[word] for word in SHAPES[name]]
    values, kind = tensors[f"{name}.values"], header["storage"][name]
    flat = np.zeros(int(np.prod(shape)), dtype=np.float32)
    if kind == "whole":
        flat[:] = values
    elif kind == "bits":
        bits = np.unpackbits(tensors[f"{name}.bits"], bitorder="little")[: len(flat)]
        flat[bits.astype(bool)] = values
    else:
        flat[tensors[f"{name}.index"].astype(np.int64)] = values
    return flat.reshape(shape)


def signal(frames: np.ndarray, header, tensors) -> np.ndarray:
    """(nodes, 3 M), normalised."""
    chunks, skeleton = header["chunks"], header["skeleton"]
    bodies = frames.astype(np.float64).reshape(len(frames), skeleton["bodies"], -1, 3)
    gone = (bodies == bodies[:, :, :1]).all((2, 3))
    bodies[gone] = bodies[~gone].mean((0, 1))
    frames = bodies.reshape(frames.shape)
    means = np.repeat(frames, chunks, axis=0).reshape(chunks, -1, *frames.shape[1:]).mean(1)
    means -= means.mean((0, 1))
    if header["view"] == "facing" and skeleton["bodies"] >= 2:
        joints, up, side = len(skeleton["joints"]), skeleton["up"], skeleton["side"]
        (depth,) = {0, 1, 2} - {up, side}
        middle = means.mean(0)
        between = middle[joints : 2 * joints].mean(0) - middle[:joints].mean(0)
        along = np.zeros(3)
        along[side], along[depth] = between[side], between[depth]
        along /= np.linalg.norm(along)
        vertical = np.eye(3)[up]
        # the axis that completes side and vertical to the same handedness as the coordinates have
        across = np.cross(vertical, along)
        turned = means.copy()
        turned[..., side] = means @ along
        turned[..., depth] = (
            means @ across * np.dot(np.cross(vertical, np.eye(3)[side]), np.eye(3)[depth])
        )
        means = turned
    features = np.concatenate(list(means), axis=1)
    return (features - tensors["mean"]) / tensors["std"]


def probabilities(content: bytes, frames: np.ndarray) -> dict[str, float]:
    header, tensors = opened(content)
    a, w, d = (weight(name, header, tensors).astype(np.float64) for name in SHAPES)
    u = signal(frames, header, tensors)[tensors["joints"]][:, tensors["features"]]
    heads = [(a[k] @ u @ w[k]).T for k in range(len(a))]
    z = sum(heads) if header["shape"]["fusion"] == "sum" else np.concatenate(heads)
    h = np.maximum(z + tensors["filter_bias"][:, None], 0)
    logits = np.einsum("fi,fic->c", h, d) + tensors["class_bias"]
    p = np.exp(logits - logits.max())
    return dict(zip(header["classes"], p / p.sum(), strict=True))


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("keep", [0.05, 0.4, 1.0])
@pytest.mark.parametrize("view", ["facing", "camera"])
def test_the_page_says_all_that_a_reader_needs(fusion, keep, view):
    ready = bundle(fusion, keep, view=view)
    content = ready.to_bytes()
    for take in recordings():
        some_absent = take.positions.copy()
        some_absent[: take.frames // 2, 3:] = 0
        for positions in (take.positions, some_absent):
            expected = ready.predict(positions).probabilities
            assert probabilities(content, positions) == pytest.approx(expected, abs=1e-4)


def test_the_storages_compared_here_are_all_there_are():
    kinds = {
        kind
        for keep in (0.05, 0.4, 1.0)
        for kind in opened(bundle(keep=keep).to_bytes())[0]["storage"].values()
    }
    assert kinds == {"whole", "bits", "index"}
