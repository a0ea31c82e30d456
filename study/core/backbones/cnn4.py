"""`cnn4`: four convolutions, a plain reference network of no paper's own.

Shapes for a crop of 216 frames and 128 bands in stereo, at width 1:

    stage         in               kernel   out of BN and activation   max-pool, and out of it
    conv1         2 x 216 x 128    3x3      32 x 216 x 128             2x2   32 x 108 x 64
    conv2         32 x 108 x 64    3x3      64 x 108 x 64              2x2   64 x 54 x 32
    conv3         64 x 54 x 32     3x3      128 x 54 x 32              4x4   128 x 13 x 8
    conv4         128 x 13 x 8     3x3      256 x 13 x 8               4x4   256 x 3 x 2
    fc_feature    256 x 3 x 2 -> global average -> 256 -> fully connected, BN, activation -> 256: the representation

Convolutions have zero padding.
MS-CR@2 branches before conv2, MS-CR@4 before conv3, MS-CR@6 before conv4. Smallest crop: 64 frames by 64 bands.
"""

from __future__ import annotations

from study.core.backbones.layers import REPRESENTATION_UNITS, Backbone, Convolution, Dense

BACKBONE = Backbone(
    layers=(
        Convolution("conv1", 32, (3, 3), pool=(2, 2)),
        Convolution("conv2", 64, (3, 3), pool=(2, 2)),
        Convolution("conv3", 128, (3, 3), pool=(4, 4)),
        Convolution("conv4", 256, (3, 3), pool=(4, 4)),
        Dense("fc_feature", REPRESENTATION_UNITS),
    ),
    branches_after=(1, 2, 3),
)
