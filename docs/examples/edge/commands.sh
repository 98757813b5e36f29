npx attnspec generate --prompt "And God said" --max-tokens 24 --temperature 0.7 --seed 7
npx attnspec embed "And Abraham begat Isaac." "And he begat sons and daughters."
