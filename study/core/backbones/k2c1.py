"""`k2c1`: a first kernel over all bands, then kernels along time (Choi et al. 2017, the widths of 1 M parameters).

Convolutional recurrent neural networks for music classification, ICASSP 2017. Layer by layer as in Wells 2018, Deep
learning for music recommendation, Tables 3.2 and 3.3: convolutions without padding. Shapes for their crop of 1366
frames (29.12 s at 12 kHz) and 96 bands in mono, at width 1:

    stage         in               kernel, frames x bands   out of BN and activation   out of max-pool 4 on time
    conv1         1 x 1366 x 96    4x96                     152 x 1363 x 1
    conv2         152 x 1363 x 1   4x1                      152 x 1360 x 1             152 x 340 x 1
    conv3         152 x 340 x 1    4x1                      152 x 337 x 1              152 x 84 x 1
    conv4         152 x 84 x 1     4x1                      304 x 81 x 1               304 x 20 x 1
    conv5         304 x 20 x 1     4x1                      304 x 17 x 1               304 x 4 x 1
    fc1           304 x 4 x 1 -> average over frames -> 304 -> fully connected, BN, activation -> 304
    fc_feature    304 -> fully connected, BN, activation -> 256: the representation

Not theirs: fc1 has the average of the frames instead of all of them (304 x 4), so that a crop may have any length, and
fc_feature is in the place of a second fully connected layer of 304.
MS-CR@2 branches before conv2, MS-CR@4 before conv4, MS-CR@6 before conv5. Smallest crop: 514 frames.
"""

from __future__ import annotations

from study.core.backbones.layers import REPRESENTATION_UNITS, Backbone, Convolution, Dense

BACKBONE = Backbone(
    layers=(
        Convolution("conv1", 152, (4, None), padded=False),
        Convolution("conv2", 152, (4, 1), pool=(4, 1), padded=False),
        Convolution("conv3", 152, (4, 1), pool=(4, 1), padded=False),
        Convolution("conv4", 304, (4, 1), pool=(4, 1), padded=False),
        Convolution("conv5", 304, (4, 1), pool=(4, 1), padded=False),
        Dense("fc1", 304),
        Dense("fc_feature", REPRESENTATION_UNITS, of=None),
    ),
    branches_after=(1, 3, 4),
)
