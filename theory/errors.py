"""Named exceptions for bad input: each message says what is wrong, where, and what to do."""


class InputError(ValueError):
    """Base of every complaint about input; catching it catches them all."""


class NotFiniteError(InputError):
    """An entry is NaN or infinite."""


class RoundedEntryError(InputError):
    """An entry is no float64 number: what is certified of its rounding need not be true of it."""


class ZeroRowError(InputError):
    """An input row is zero, so it has no direction."""


class ShapeError(InputError):
    """An array has the wrong number of axes or entries."""


class DegenerateInputsError(InputError):
    """Rows for which a limiting kernel is singular, or cannot be certified positive definite."""


class NotNormalisedError(InputError):
    """An input row does not have unit Euclidean norm."""


class WidthError(InputError):
    """A width is not positive, odd under symmetric initialisation, or too small: n > m d leaves no full row rank."""


class ScaleError(InputError):
    """An initialisation scale, step size or step count is not positive."""


class SignError(InputError):
    """An output weight, or a label of the logistic loss, is neither -1 nor +1."""


class ChoiceError(InputError):
    """A name (activation, optimiser, theorem, condition) is unknown; the message lists the known ones."""


class DataFileError(InputError):
    """A data file is missing, unreadable, or of an unknown kind."""


class MissingKeyError(DataFileError):
    """An .npz file lacks the keys X and y."""


class MissingColumnError(DataFileError):
    """A .csv file has no column of the requested name."""


class MissingExtraError(InputError):
    """What was asked for needs an extra of this distribution that is not installed; the message has the command."""


class DocumentError(InputError):
    """An instance has a part that no document can hold, or a document is not one of an instance."""


class CounterexampleError(DataFileError):
    """A file is not a counterexample that this version can read: damaged, of another kind, schema or registry."""


class EditedFileError(CounterexampleError):
    """The digest in a counterexample file is not that of its content."""


class FormulaError(InputError):
    """The text of a formula or of an obligation cannot be read, or a name in it has no value."""


class StreamError(InputError):
    """Chunks of neurons are not each counted once, or a checkpoint is not of the run that finds it."""


class DescentError(ArithmeticError):
    """Base of what ends a run of an optimiser: its next step is not defined, or cannot be represented."""


class RankDeficientError(DescentError):
    """A Gram matrix, at initialisation or later, is singular or too close to it for float64: no next step is computed."""


class DivergenceError(DescentError):
    """An iterate has left the range of float64: the step size is too large for the optimiser, or the targets are."""


class DirectionError(TypeError):
    """A number stands where one known in another direction is needed, or one that nothing vouches for: a mistake in a program."""


class ImplementationError(InputError):
    """A step of the user's own cannot be loaded: no such module or attribute, not callable, or another signature."""
