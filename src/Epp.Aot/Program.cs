Console.WriteLine("epp");
return 0;
