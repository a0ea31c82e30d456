"""`k2c2`: kernels over time and bands, fully convolutional (Choi et al. 2017, the widths of 1 M parameters).

Convolutional recurrent neural networks for music classification, ICASSP 2017. Layer by layer as in Wells 2018, Deep
learning for music recommendation, Tables 3.6 and 3.7. Shapes for their crop of 1366 frames (29.12 s at 12 kHz) and 96
bands in mono, at width 1:

    stage         in               kernel   out of BN and activation   max-pool, frames x bands, and out of it
    conv1         1 x 1366 x 96    3x3      67 x 1366 x 96             4x2   67 x 341 x 48
    conv2         67 x 341 x 48    3x3      135 x 341 x 48             4x2   135 x 85 x 24
    conv3         135 x 85 x 24    3x3      135 x 85 x 24              4x2   135 x 21 x 12
    conv4         135 x 21 x 12    3x3      203 x 21 x 12              5x3   203 x 4 x 4
    conv5         203 x 4 x 4      3x3      271 x 4 x 4                4x4   271 x 1 x 1
    fc_feature    271 x 1 x 1 -> global average -> 271 -> fully connected, BN, activation -> 256: the representation

Convolutions have zero padding. Not theirs: the global average, which only does something to crops larger than theirs,
and fc_feature, where they have the output at once.
MS-CR@2 branches before conv2, MS-CR@4 before conv4, MS-CR@6 before conv5. Smallest crop: 1280 frames by 96 bands.
"""

from __future__ import annotations

from study.core.backbones.layers import REPRESENTATION_UNITS, Backbone, Convolution, Dense

BACKBONE = Backbone(
    layers=(
        Convolution("conv1", 67, (3, 3), pool=(4, 2)),
        Convolution("conv2", 135, (3, 3), pool=(4, 2)),
        Convolution("conv3", 135, (3, 3), pool=(4, 2)),
        Convolution("conv4", 203, (3, 3), pool=(5, 3)),
        Convolution("conv5", 271, (3, 3), pool=(4, 4)),
        Dense("fc_feature", REPRESENTATION_UNITS),
    ),
    branches_after=(1, 3, 4),
)
