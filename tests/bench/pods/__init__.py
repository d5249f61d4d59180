"""What watching the Pods of a large cluster costs: 50,000 of them, which nobody's API server has to hold.

`server`   lists and watches Pods as an API server does, in a process of its own
`watcher`  watches them as the operator does, alone in its process, and says what that took
`crowd`    has one watch the other, and gives the figures
"""
