package mask

import "errors"

// What can be wrong with a Spec; wrapped together with ErrSpec and the path.
var (
	errNoField   = errors.New("it names no field")
	errConflict  = errors.New("it contradicts another path")
	errPath      = errors.New("it is not a path here")
	errArray     = errors.New("'*' may not stand in it")
	errInRecord  = errors.New("it leads into the records")
	errType      = errors.New("its type is not integer, boolean or token")
	errAllowed   = errors.New("its list of allowed words does not fit")
	errMax       = errors.New("max is for an integer, and not negative")
	errTransform = errors.New("the masker does not know its transform")
	errCounts    = errors.New("first and last are for keep, and not negative")
)
