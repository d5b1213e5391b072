"""Scenes: one seed gives frames, stereo sound, a caption, a chain of thought and the times of all onsets.

    scene = scenes.generate(seed=7, duration_s=4, class_name="bounce")

Physics decides both picture and sound (impact speed → level, wheel speed → pitch, streaks → drops); whatever must not
predict the sound (palette, texture, brightness, shake, noise, size, shape) is random for each clip.
"""
from .compose import generate
from .kinds import CLASSES, MATERIALS
from .scene import FPS, SPLITS, Event, Scene
from .sound import SAMPLE_RATE
from .video import render_video

__all__ = ["CLASSES", "FPS", "MATERIALS", "SAMPLE_RATE", "SPLITS", "Event", "Scene", "generate", "render_video"]
