--[[ conv_whisper: a supervisor's words for whoever has a conversation now, and for nobody else.

They stand beside the thread and not in it: what reads a thread (its history, a search, an export, another program's desk, an
answer) cannot come upon them. Under another epoch they are refused: they were meant for somebody who has it no more.

KEYS  1 cv:V  2 ct:V (not touched)  3 ik:V:hash  4 facts  5 vd  6 vo  7 wsp:V (list)
ARGV  1 offset (ms)  2 V  3 agent  4 epoch  5 digest  6 keep the answer (ms)  7 the owner that it is for  8 the key of its words
      9 sealed words  10 keep whispers (ms)  11 most that are kept
RETURNS as a command (lua/_conv.lua), without an entry
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv then return {'unknown'} end
local first = answered(KEYS[3], ARGV[5], conv)
if first then return first end
if conv.st == 'resolved' then return refused('resolved', conv) end
if conv.ep ~= ARGV[4] or conv.o ~= ARGV[7] then return refused('owner_changed', conv) end
if conv.o == '' or conv.o == ARGV[3] then return refused('moved', conv) end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
redis.call('RPUSH', KEYS[7], table.concat({'1', text(now), ARGV[3], conv.o, ARGV[8], ARGV[9]}, '|'))
redis.call('LTRIM', KEYS[7], -tonumber(ARGV[11]), -1)
redis.call('PEXPIRE', KEYS[7], ARGV[10])
conv_write(KEYS[1], KEYS[5], KEYS[6], ARGV[2], conv, {})
fact(KEYS[4], now, 'whispered', ARGV[2] .. ' ' .. conv.c, 'agent=' .. ARGV[3] .. ' to=' .. conv.o)
return answer(KEYS[3], ARGV[5], ARGV[6], conv, '', '')
