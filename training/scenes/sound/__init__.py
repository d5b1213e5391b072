"""Sound synthesis of the scenes: struck bodies, shaped noise, oscillators, rooms and the mixing desk. 44.1 kHz, float32."""

SAMPLE_RATE = 44100
