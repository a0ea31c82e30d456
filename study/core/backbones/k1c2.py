"""`k1c2`: kernels along time, each band for itself until fc1 (Choi et al. 2017, the widths of 1 M parameters).

Convolutional recurrent neural networks for music classification, ICASSP 2017. Layer by layer as in Wells 2018, Deep
learning for music recommendation, Tables 3.4 and 3.5. Shapes for their crop of 1366 frames (29.12 s at 12 kHz) and 96
bands in mono, at width 1:

    stage         in               kernel, frames x bands   out of BN and activation   max-pool on time, and out of it
    conv1         1 x 1366 x 96    4x1                      47 x 1366 x 96             4   47 x 341 x 96
    conv2         47 x 341 x 96    4x1                      47 x 341 x 96              5   47 x 68 x 96
    conv3         47 x 68 x 96     4x1                      95 x 68 x 96               8   95 x 8 x 96
    conv4         95 x 8 x 96      4x1                      95 x 8 x 96                8   95 x 1 x 96
    fc1           95 x 1 x 96 -> average over frames -> 9120 -> fully connected, BN, activation -> 95
    fc_feature    95 -> fully connected, BN, activation -> 256: the representation

Zero padding keeps the frames: one before, two after. Not theirs: the average over frames, which only does something to
crops longer than theirs, and fc_feature in the place of a second fully connected layer of 95.
MS-CR@2 branches before conv2, MS-CR@4 before conv3, MS-CR@6 before conv4. Smallest crop: 1280 frames.
"""

from __future__ import annotations

from study.core.backbones.layers import REPRESENTATION_UNITS, Backbone, Convolution, Dense

BACKBONE = Backbone(
    layers=(
        Convolution("conv1", 47, (4, 1), pool=(4, 1)),
        Convolution("conv2", 47, (4, 1), pool=(5, 1)),
        Convolution("conv3", 95, (4, 1), pool=(8, 1)),
        Convolution("conv4", 95, (4, 1), pool=(8, 1)),
        Dense("fc1", 95, of="mean of frames"),
        Dense("fc_feature", REPRESENTATION_UNITS, of=None),
    ),
    branches_after=(1, 2, 3),
)
