"""`lstm`: recurrent over frames, a plain reference network of no paper's own.

Shapes for a crop of 216 frames and 128 bands in stereo, at width 1:

    stage         in
    frame         2 x 216 x 128 -> fully connected on the 256 numbers of each frame, BN, activation -> 128 x 216 x 1
    lstm1         128 x 216 x 1 -> LSTM forward in time -> 128 x 216 x 1
    lstm2         128 x 216 x 1 -> LSTM forward in time -> 128 x 216 x 1
    fc_feature    128 x 216 x 1 -> average over frames -> fully connected, BN, activation -> 256: the representation

The gates have their own sigmoid and tanh, whatever the activation. Two layers of 128 units are what such studies begin
with; the layer before them gives MS-CR three places to branch.
MS-CR@2 branches before lstm1, MS-CR@4 before lstm2, MS-CR@6 before fc_feature. Smallest crop: one frame, one band.
"""

from __future__ import annotations

from study.core.backbones.layers import REPRESENTATION_UNITS, Backbone, Convolution, Dense, Lstm

BACKBONE = Backbone(
    layers=(
        Convolution("frame", 128, (1, None)),
        Lstm("lstm1", 128),
        Lstm("lstm2", 128),
        Dense("fc_feature", REPRESENTATION_UNITS),
    ),
    branches_after=(1, 2, 3),
)
