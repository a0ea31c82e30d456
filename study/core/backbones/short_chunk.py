"""`short-chunk`: the short-chunk CNN of Won et al. 2020, seven small convolutions on a few seconds.

Evaluation of CNN-based automatic music tagging models, SMC 2020; sizes as in its released code
(minzwon/sota-music-tagging-models). Shapes for a crop of 216 frames and 128 bands in stereo, at width 1:

    stage         in               kernel   out of BN and activation   out of max-pool 2x2
    conv1         2 x 216 x 128    3x3      128 x 216 x 128            128 x 108 x 64
    conv2         128 x 108 x 64   3x3      128 x 108 x 64             128 x 54 x 32
    conv3         128 x 54 x 32    3x3      256 x 54 x 32              256 x 27 x 16
    conv4         256 x 27 x 16    3x3      256 x 27 x 16              256 x 13 x 8
    conv5         256 x 13 x 8     3x3      256 x 13 x 8               256 x 6 x 4
    conv6         256 x 6 x 4      3x3      256 x 6 x 4                256 x 3 x 2
    conv7         256 x 3 x 2      3x3      512 x 3 x 2                512 x 1 x 1
    fc_feature    512 x 1 x 1 -> global maximum -> 512 -> fully connected, BN, activation -> 256: the representation

Convolutions have zero padding. Not theirs: fc_feature has 256 units where they have 512, and crops are standardised by
band where they begin with a BN. Their crop is 3.69 s at 16 kHz.
MS-CR@2 branches before conv2, MS-CR@4 before conv4, MS-CR@6 before conv6. Smallest crop: 128 frames by 128 bands.
"""

from __future__ import annotations

from study.core.backbones.layers import REPRESENTATION_UNITS, Backbone, Convolution, Dense

FILTERS = (128, 128, 256, 256, 256, 256, 512)

BACKBONE = Backbone(
    layers=(
        *(Convolution(f"conv{number}", filters, (3, 3), pool=(2, 2)) for number, filters in enumerate(FILTERS, 1)),
        Dense("fc_feature", REPRESENTATION_UNITS, of="max"),
    ),
    branches_after=(1, 3, 5),
)
