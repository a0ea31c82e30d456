"""`base`: the CNN of Kim et al. 2019, Table 3.

Shapes for a crop of 216 frames (2.5 s) and 128 bands in stereo, at width 1, without the batch dimension:

    stage         in               kernel   stride    out of BN and activation   out of max-pool 2x2
    conv1         2 x 216 x 128    5x5      2 on time  16 x 108 x 128             16 x 54 x 64
    conv2         16 x 54 x 64     3x3                 32 x 54 x 64               32 x 27 x 32
    conv3         32 x 27 x 32     3x3                 64 x 27 x 32               64 x 13 x 16
    conv4         64 x 13 x 16     3x3                 64 x 13 x 16               64 x 6 x 8
    conv5         64 x 6 x 8       3x3                 128 x 6 x 8                128 x 3 x 4
    conv61        128 x 3 x 4      3x3                 256 x 3 x 4
    conv62        256 x 3 x 4      1x1                 256 x 3 x 4
    fc_feature    256 x 3 x 4 -> global average -> 256 -> fully connected, BN, activation -> 256: the representation

Convolutions have biases and zero padding; BN follows each of them and fc_feature. The smallest crop, 63 frames by 32
bands, leaves conv61 one frame and one band after conv1's stride and five halvings.
MS-CR@2 branches before conv2, MS-CR@4 before conv4, MS-CR@6 before conv61 (Fig. 5).
"""

from __future__ import annotations

from study.core.backbones.layers import REPRESENTATION_UNITS, Backbone, Convolution, Dense

BACKBONE = Backbone(
    layers=(
        Convolution("conv1", 16, (5, 5), pool=(2, 2), time_stride=2),
        Convolution("conv2", 32, (3, 3), pool=(2, 2)),
        Convolution("conv3", 64, (3, 3), pool=(2, 2)),
        Convolution("conv4", 64, (3, 3), pool=(2, 2)),
        Convolution("conv5", 128, (3, 3), pool=(2, 2)),
        Convolution("conv61", 256, (3, 3)),
        Convolution("conv62", 256, (1, 1)),
        Dense("fc_feature", REPRESENTATION_UNITS),
    ),
    branches_after=(1, 3, 5),
)
