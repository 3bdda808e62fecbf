"""Every pluggable thing, one Protocol each. A docstring here is the specification that its contract suite tests.

Colour: models that compute here, readers, sources and stores are *sync* and are called from worker threads;
chat models and answerers are *async*. Unless a docstring says otherwise an implementation is safe to call from
several threads at once, returns one result per input in the order of the inputs, and accepts empty input.
"""
