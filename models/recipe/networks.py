"""The three networks, from their published weights to ONNX nodes."""
import numpy as np

from onnxgraph import fold

# EfficientNet-Lite0: repeats, kernel, stride, expansion, output channels of each stage.
LITE0 = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
         (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)]


def lite0(g, x, state, stages=LITE0):
    """EfficientNet-Lite0; returns (the map after each stage, logits of 1000 classes at every location).

    With even sizes SAME padding samples every strided layer half a step right and down of the
    centre: 0.5 + 1 + 2 + 4 + 8 = 15.5 pixels in all, half a cell of the map. Padding the last
    strided layer at the other side leaves 0.5 + 1 + 2 + 4 - 8 = -0.5: the map lies on the picture.
    """
    last = max(i for i, stage in enumerate(stages) if stage[2] == 2)

    def conv(x, name, norm, stride=1, groups=1, act="relu6", lead=False):
        w, b = fold(state[name + ".weight"], *(state[f"{norm}.{k}"] for k in
                    ("weight", "bias", "running_mean", "running_var")), 1e-3)
        return g.conv(x, w, b, stride, groups, act, lead)

    x = conv(x, "_conv_stem", "_bn0", 2)
    index, maps = 0, []
    for stage, (repeats, _, stride, expand, _) in enumerate(stages):
        for i in range(repeats):
            block, skip = f"_blocks.{index}.", x
            if expand != 1:
                x = conv(x, block + "_expand_conv", block + "_bn0")
            x = conv(x, block + "_depthwise_conv", block + "_bn1",
                     stride if i == 0 else 1, groups=g.shapes[x][1],
                     lead=i == 0 and stage == last)
            x = conv(x, block + "_project_conv", block + "_bn2", act=None)
            if i > 0:
                x = g.add(x, skip)
            index += 1
        maps.append(x)
    features = conv(x, "_conv_head", "_bn1")
    # The classifier is linear after the mean over the map, so at one location it is a 1x1
    # convolution: an exact class-activation map.
    return maps, g.mix(features, state["_fc.weight"], state["_fc.bias"])


def yamnet(g, x, variables):
    """YAMNet on one 96x64 log-mel patch; returns (1024-d embedding, 521 scores)."""
    prefix, suffix = "layer-1/layer/_func/_yamnet/layer_with_weights-", "/.ATTRIBUTES/VARIABLE_VALUE"
    strides = [2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]

    def conv(x, index, kind, stride, depthwise=False):
        w = variables[f"{prefix}{index}/{kind}{suffix}"]
        w = w.transpose(2, 3, 0, 1) if depthwise else w.transpose(3, 2, 0, 1)
        beta, mean, variance = (variables[f"{prefix}{index + 1}/{k}{suffix}"]
                                for k in ("beta", "moving_mean", "moving_variance"))
        w, b = fold(w, np.ones_like(beta), beta, mean, variance, 1e-4)
        return g.conv(x, w, b, stride, groups=g.shapes[x][1] if depthwise else 1, act="Relu")

    x = conv(x, 0, "kernel", strides[0])
    for i, stride in enumerate(strides[1:]):
        x = conv(x, 2 + 4 * i, "depthwise_kernel", stride, depthwise=True)
        x = conv(x, 4 + 4 * i, "kernel", 1)
    channels = g.shapes[x][1]
    embedding = g.node("GlobalAveragePool", [x], (1, channels, 1, 1))
    kernel, bias = (variables[f"{prefix}54/{k}{suffix}"] for k in ("kernel", "bias"))
    logits = g.mix(embedding, kernel.T, bias)
    return embedding, g.node("Sigmoid", [logits], g.shapes[logits])


# MobileNetV2: expansion, output channels, repeats, stride of each stage.
MOBILENET_V2 = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                (6, 160, 3, 2), (6, 320, 1, 1)]


def ssd(g, x, constants, levels, classes):
    """Class scores of SSD-MobileNetV2 (COCO) per level: [(anchors * classes, h, w) logits, ...].

    The box branch, the anchors and the suppression are left out: what is wanted is where each
    class answers, not boxes. `classes` are COCO numbers (1..90).
    """
    root = "FeatureExtractor/MobilenetV2/"

    def conv(x, name, stride=1, depthwise=False, act="relu6"):
        w = constants[root + name + ("/depthwise_weights" if depthwise else "/weights")]
        w = w.transpose(2, 3, 0, 1) if depthwise else w.transpose(3, 2, 0, 1)
        w, b = fold(w, *(constants[f"{root}{name}/BatchNorm/{k}"] for k in
                    ("gamma", "beta", "moving_mean", "moving_variance")), 1e-3)
        return g.conv(x, w, b, stride, g.shapes[x][1] if depthwise else 1, act)

    # It was trained on pixels / 127.5 - 1; the picture comes as (pixels - 127) / 128.
    first, zero = constants[root + "Conv/weights"], 127 / 127.5 - 1
    constants = dict(constants)
    constants[root + "Conv/weights"] = first * np.float32(128 / 127.5)
    constants[root + "Conv/BatchNorm/moving_mean"] = (
        constants[root + "Conv/BatchNorm/moving_mean"] - first.sum((0, 1, 2)) * np.float32(zero))
    x = conv(x, "Conv", 2)
    index, maps = 0, []
    for expand, out, repeats, stride in MOBILENET_V2:
        for i in range(repeats):
            block, skip = "expanded_conv" + (f"_{index}" if index else ""), x
            if expand != 1:
                x = conv(x, block + "/expand")
            if index == 13:
                maps.append(x)
            x = conv(x, block + "/depthwise", stride if i == 0 else 1, depthwise=True)
            x = conv(x, block + "/project", act=None)
            if i > 0:
                x = g.add(x, skip)
            index += 1
    maps.append(conv(x, "Conv_1"))
    for level, (inner, outer) in enumerate([(256, 512), (128, 256), (128, 256), (64, 128)], 2):
        if level >= levels:
            break
        x = conv(maps[-1], f"layer_19_1_Conv2d_{level}_1x1_{inner}")
        x = conv(x, f"layer_19_2_Conv2d_{level}_3x3_s2_{outer}_depthwise", 2, depthwise=True)
        maps.append(conv(x, f"layer_19_2_Conv2d_{level}_3x3_s2_{outer}"))
    scores = []
    for level, features in enumerate(maps[:levels]):
        w, b = (constants[f"BoxPredictor_{level}/ClassPredictor/{k}"] for k in ("weights", "biases"))
        anchors = len(b) // 91
        keep = [91 * a + c for a in range(anchors) for c in classes]
        scores.append(g.conv(features, w.transpose(3, 2, 0, 1)[keep], b[keep]))
    return scores
