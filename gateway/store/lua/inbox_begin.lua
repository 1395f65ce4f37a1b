#!lua flags=allow-oom
--[[ inbox_begin: count a try of an item before it is made, or take one back that the store itself spoilt.

Runs when memory is full: statuses make room and stops are kept, and neither may wait for room to be counted.

KEYS  1 int (hash)
ARGV  1 the item's place in the inbox  2 by how many: 1 or -1
RETURNS how often it was begun
--]]
return redis.call('HINCRBY', KEYS[1], ARGV[1], ARGV[2])
