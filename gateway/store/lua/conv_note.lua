--[[ conv_note: a note for colleagues. Anybody who may read the conversation may write one: no epoch, but one line a key.

KEYS  1 cv:V  2 ct:V  3 ik:V:hash  4 facts  5 vd  6 vo
ARGV  1 offset (ms)  2 V  3 agent  4 digest  5 keep the answer (ms)  6 entry key  7 sealed body
RETURNS as conv_take, with the entry's id
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv then return {'unknown'} end
local first = answered(KEYS[3], ARGV[4], conv)
if first then return first end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
local entry = conv_entry(KEYS[2], now, 'note', ARGV[3], '', '', ARGV[6], '', 'text', ARGV[7])
conv_write(KEYS[1], KEYS[5], KEYS[6], ARGV[2], conv, {})
fact(KEYS[4], now, 'noted', ARGV[2] .. ' ' .. conv.c, 'agent=' .. ARGV[3])
return answer(KEYS[3], ARGV[4], ARGV[5], conv, entry, '')
