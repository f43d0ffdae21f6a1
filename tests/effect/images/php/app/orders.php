<?php
// A request takes a second, then it is answered.
sleep(1);
echo "ok {$_GET['id']}\n";
