"""Small data of the shape that properties/pictures gives, for the tests of the report."""

from typing import Any


def picture_data() -> dict[str, Any]:
    """Every picture, with values that are easy to recognise."""
    curve = {"step_size": 0.5, "path_constant": 0.4, "observed": [2.0, 1.0, 0.5], "linearised": [2.0, 1.0, 0.5]}
    return {
        "output_space": {
            "targets": [1.0, 0.2],
            "step_size": 0.1,
            "input_angle": 0.6,
            "widths": [
                {
                    "width": width,
                    "path_constant": constant,
                    "angle_bound": bound,
                    "angle": angle,
                    "gd_angle": 0.5,
                    "ngd": [[0.0, 0.0], [0.5, 0.1]],
                    "gd": [[0.0, 0.0], [0.5, 0.4]],
                }
                for width, constant, bound, angle in ((32, 2.5, None, 0.06), (8192, 0.6, 0.5235987755982988, 0.01))
            ],
        },
        "moved_jacobians": {
            "dataset": "digits-4-9",
            "rows": 50,
            "steps": 20,
            "step_size": 0.5,
            "lambda_0": 0.0226,
            "exponent": -0.357,
            "exponent_error": 0.0123,
            "points": [
                {"width": 256, "moved": 0.2, "lambda_min": 0.0139},
                {"width": 1024, "moved": 0.12, "lambda_min": 0.0211},
                {"width": 1024, "moved": 0.13, "lambda_min": 0.0219},
            ],
        },
        "training": {
            "dataset": "digits-4-9",
            "rows": 10,
            "width": 40000,
            "scale": 16.0,
            "curves": {
                "ngd": {**curve, "bound": [2.0, 1.5, 1.125], "theorem": "T1-sharp"},
                "kfac": {**curve, "bound": None, "theorem": None},
                "gd": {**curve, "observed": [2.0, 1.9, 1.8, 1.7], "bound": [2.0, 1.99], "theorem": "T0-sharp"},
            },
        },
        "constants": {
            "dataset": "digits-4-9",
            "rows": 10,
            "scale": 4.0,
            "points": [
                {"width": 4096, "certified": 21.5, "attacked": 11.1, "path": 1.05},
                {"width": 65536, "certified": 12.6, "attacked": 5.52, "path": 0.479},
            ],
        },
        "phases": {
            "dim": 4,
            "scale": 64.0,
            "step_size": 0.5,
            "steps": 20,
            "points": [
                {"n": 2, "width": 16, "lambda_min": 0.25, "ball": 1.5, "path": 1.2},
                {"n": 2, "width": 64, "lambda_min": 0.42, "ball": 0.9, "path": 0.1},
                {"n": 4, "width": 16, "lambda_min": 0.0, "ball": None, "path": None},
                {"n": 4, "width": 64, "lambda_min": 0.1, "ball": 2.3, "path": 0.4},
            ],
        },
        "held_out": {
            "dataset": "digits-4-9",
            "train": 241,
            "test": 120,
            "width": 256,
            "delta": 0.1,
            "epsilon": 0.01,
            "bounds": [
                {"n": 361, "complexity": 1.015, "confidence": 0.2259, "bound": 1.2409, "vacuous": True},
                {"n": 241, "complexity": 1.109, "confidence": 0.276, "bound": 1.3857, "vacuous": True},
            ],
            "optimisers": {
                name: {
                    "step_size": 0.5,
                    "steps": 40,
                    "residual": 1e-5,
                    "train_error": 0.0,
                    "test_error": error,
                    "train_loss": 1e-5,
                    "test_loss": 0.0974,
                }
                for name, error in (("ngd", 0.00833), ("gd", 0.0))
            },
        },
    }
