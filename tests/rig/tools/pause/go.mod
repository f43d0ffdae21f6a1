// What holds a pod's namespaces open: the node's own "pause" image.
module softstop.dev/rig/pause

go 1.26.0
