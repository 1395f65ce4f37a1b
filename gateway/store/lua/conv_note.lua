--[[ conv_note: a note for colleagues. Anybody who may read the conversation may write one: no epoch, but one line a key.

A colleague may be asked by it, until a time; their own next note is the answer. Whose the conversation is does not change.

KEYS  1 cv:V  2 ct:V  3 ik:V:hash  4 facts  5 vd  6 vo
ARGV  1 offset (ms)  2 V  3 agent  4 digest  5 keep the answer (ms)  6 entry key  7 sealed body
      8 colleague who is asked ('' nobody)  9 until (ms)
RETURNS as a command (lua/_conv.lua), with the entry's id
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv then return {'unknown'} end
local first = answered(KEYS[3], ARGV[4], conv)
if first then return first end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
local entry = conv_entry(KEYS[2], now, 'note', ARGV[3], '', '', ARGV[6], '', 'text', ARGV[7])
local changes, detail = {}, ''
if ARGV[8] ~= '' then
  changes['k:' .. ARGV[8]] = ARGV[9]
  detail = ' asked=' .. ARGV[8] .. ' until=' .. ARGV[9]
elseif (conv['k:' .. ARGV[3]] or '') ~= '' then
  changes['k:' .. ARGV[3]] = ''
  detail = ' answers=1'
end
conv_write(KEYS[1], KEYS[5], KEYS[6], ARGV[2], conv, changes)
fact(KEYS[4], now, 'noted', ARGV[2] .. ' ' .. conv.c, 'agent=' .. ARGV[3] .. detail .. stands(conv) .. ' entry=' .. entry)
return answer(KEYS[3], ARGV[4], ARGV[5], conv, entry, '')
