--[[ conv_queue: a conversation that waits in one queue waits in another from now on, with its age.

One step with the state: whoever takes it at this moment keeps it, and nobody's conversation is put back.

KEYS  1 cv:V  2 facts  3 vd  4 vo
ARGV  1 offset (ms)  2 V  3 queue
RETURNS 1 moved | 0 it does not wait, or there already
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv or conv.st ~= 'queued' or conv.o ~= '' or conv.q == ARGV[3] then return 0 end
local now = now_of(KEYS[2], tonumber(ARGV[1]))
local stood = conv.q
conv_write(KEYS[1], KEYS[3], KEYS[4], ARGV[2], conv, {q = ARGV[3]})
fact(KEYS[2], now, 'queued', ARGV[2] .. ' ' .. conv.c, stands(conv, stood))
return 1
